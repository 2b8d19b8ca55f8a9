#!/usr/bin/env python3
"""Greedy texts of axle against llama-server, token for token, for the same prompts and weights.

    bench/compare_llama.py TEXTS.jsonl [--top 5]

TEXTS.jsonl is what axle_exactness --json wrote. For each prompt llama-server continues the same token ids greedily; where the
texts part, the script asks it for the log probabilities of the two tokens at that place: a difference is a near-tie when they
are close. Prints the number of equal texts and the gaps of the others.
"""

import argparse
import json
import pathlib
import sys
import urllib.request

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import run  # noqa: E402


def complete(url, prompt, count, top):
    body = {"prompt": prompt, "n_predict": count, "temperature": 0, "top_k": 1, "n_probs": top, "return_tokens": True,
            "cache_prompt": False, "post_sampling_probs": False}
    request = urllib.request.Request(url + "/completion", json.dumps(body).encode(), {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=600) as answer:
        return json.load(answer)


def first_difference(ours, theirs):
    for place, (our, their) in enumerate(zip(ours, theirs)):
        if our != their:
            return place
    return None


def gap_at(url, prompt, text, place, top):
    """Difference of log probabilities between llama-server's best token and ours; None when it does not tell ours.

    Where its own choice is the end of the text, llama-server answers without probabilities.
    """
    answer = complete(url, prompt + text[:place], 1, top)
    listed = answer.get("completion_probabilities") or []
    by_id = {entry["id"]: entry["logprob"] for entry in listed[0]["top_logprobs"]} if listed else {}
    ours = by_id.get(text[place])
    return None if ours is None else max(by_id.values()) - ours


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("texts", type=pathlib.Path)
    parser.add_argument("--top", type=int, default=20)
    arguments = parser.parse_args()
    run.build_peer()
    equal, gaps = 0, []
    with run.peer(1, 2) as (_, url, _):
        for line in arguments.texts.read_text().splitlines():
            entry = json.loads(line)
            answer = complete(url, entry["prompt"], max(len(entry["text"]), 1), 0)
            place = first_difference(entry["text"], answer["tokens"])
            if place is None:
                equal += 1
            else:
                gaps.append((place, gap_at(url, entry["prompt"], entry["text"], place, arguments.top)))
    print(f"{equal} equal, {len(gaps)} part")
    known = sorted(gap for _, gap in gaps if gap is not None)
    if gaps:
        print(f"gap of log probabilities where they part: median {known[len(known) // 2]:.4f}, largest {known[-1]:.4f}, "
              f"not among the best {arguments.top}: {sum(gap is None for _, gap in gaps)}")
        print("place: gap  " + "  ".join(f"{place}: {gap}" for place, gap in gaps))


if __name__ == "__main__":
    main()
