import { lexer, type Token, type Tokens } from 'marked';
import type { ComponentChildren, JSX } from 'preact';
import { useMemo } from 'preact/hooks';
import { CopyButton } from './copy_button';

// What a model writes is not to be trusted: the text becomes elements here, never HTML. HTML inside it is shown as
// text, pictures as links, and a link leads nowhere but to the web or a mailbox.

type Children = ComponentChildren;

/** The address of a link that may be followed; nothing for "javascript:" and its like. */
export function safeHref(href: string): string | undefined {
  return /^(https?:\/\/|mailto:)/i.test(href.trim()) ? href.trim() : undefined;
}

// The lexer escapes nothing in raw text but gives entities as they were written.
const ENTITIES: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', '#39': "'", nbsp: '\u00a0' };

function plain(text: string): string {
  return text.replace(/&(amp|lt|gt|quot|#39|nbsp);/g, (whole, name: string) => ENTITIES[name] ?? whole);
}

function Link({ href, children }: { readonly href: string; readonly children: Children }) {
  const safe = safeHref(href);
  return safe === undefined ? <>{children}</> : <a href={safe} target="_blank" rel="noopener noreferrer nofollow">{children}</a>;
}

function CodeBlock({ code, language }: { readonly code: string; readonly language: string }) {
  return (
    <figure class="code">
      <figcaption><span>{language || 'text'}</span><CopyButton text={code} label="Copy" /></figcaption>
      <pre tabIndex={0}><code>{code}</code></pre>
    </figure>
  );
}

function Heading({ token }: { readonly token: Tokens.Heading }) {
  // The page's own headings come first.
  const Tag = `h${Math.min(token.depth + 2, 6)}` as 'h3';
  return <Tag>{inline(token.tokens)}</Tag>;
}

function listItem(item: Tokens.ListItem, index: number): Children {
  return (
    <li key={index} class={item.task ? 'task' : undefined}>
      {item.task && <input type="checkbox" checked={item.checked ?? false} disabled aria-label={item.checked ? 'done' : 'open'} />}
      {blocks(item.tokens)}
    </li>
  );
}

function List({ token }: { readonly token: Tokens.List }) {
  const items = token.items.map(listItem);
  return token.ordered ? <ol start={Number(token.start) || 1}>{items}</ol> : <ul>{items}</ul>;
}

function Table({ token }: { readonly token: Tokens.Table }) {
  const side = (align: string | null) => (align === null ? undefined : `align-${align}`);
  return (
    <div class="table" tabIndex={0}>
      <table>
        <thead><tr>{token.header.map((cell, i) => <th key={i} class={side(cell.align)}>{inline(cell.tokens)}</th>)}</tr></thead>
        <tbody>
          {token.rows.map((row, i) => (
            <tr key={i}>{row.map((cell, j) => <td key={j} class={side(cell.align)}>{inline(cell.tokens)}</td>)}</tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function inline(tokens: readonly Token[] | undefined): Children[] {
  return (tokens ?? []).map((token, index): Children => {
    const inner = 'tokens' in token && token.tokens !== undefined ? inline(token.tokens) : undefined;
    switch (token.type) {
      case 'strong': return <strong key={index}>{inner}</strong>;
      case 'em': return <em key={index}>{inner}</em>;
      case 'del': return <del key={index}>{inner}</del>;
      case 'codespan': return <code key={index}>{(token as Tokens.Codespan).text}</code>;
      case 'br': return <br key={index} />;
      case 'link': return <Link key={index} href={(token as Tokens.Link).href}>{inner}</Link>;
      case 'image': return <Link key={index} href={(token as Tokens.Image).href}>{plain((token as Tokens.Image).text) || 'picture'}</Link>;
      case 'html': return token.raw;
      case 'escape': return (token as Tokens.Escape).text;
      default: return inner ?? plain('text' in token ? String(token.text) : token.raw);
    }
  });
}

function block(token: Token, index: number): JSX.Element | null {
  switch (token.type) {
    case 'space':
    case 'def': return null;
    case 'heading': return <Heading key={index} token={token as Tokens.Heading} />;
    case 'code': return <CodeBlock key={index} code={(token as Tokens.Code).text} language={((token as Tokens.Code).lang ?? '').split(' ')[0] ?? ''} />;
    case 'blockquote': return <blockquote key={index}>{blocks((token as Tokens.Blockquote).tokens)}</blockquote>;
    case 'list': return <List key={index} token={token as Tokens.List} />;
    case 'table': return <Table key={index} token={token as Tokens.Table} />;
    case 'hr': return <hr key={index} />;
    case 'text': return <span key={index}>{inline('tokens' in token && token.tokens ? token.tokens : [token])}</span>;
    case 'html': return <p key={index} class="raw">{token.raw}</p>;
    default: return <p key={index}>{inline('tokens' in token ? token.tokens : [token])}</p>;
  }
}

function blocks(tokens: readonly Token[] | undefined): Children[] {
  return (tokens ?? []).map(block);
}

/** A text with markdown in it, drawn as elements. Half-written texts are fine. */
export function Markdown({ text }: { readonly text: string }) {
  const tokens = useMemo(() => lexer(text, { gfm: true, breaks: true }), [text]);
  return <div class="markdown">{blocks(tokens)}</div>;
}
