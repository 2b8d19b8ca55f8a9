import type { Size } from '../api/models';

export interface Box {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

/** The largest part of `from`, from its middle, with the proportions of `to`. */
export function coverBox(from: Size, to: Size): Box {
  const scale = Math.min(from.width / to.width, from.height / to.height);
  const width = to.width * scale;
  const height = to.height * scale;
  return { x: (from.width - width) / 2, y: (from.height - height) / 2, width, height };
}

/** `size` made smaller, if need be, until its longer side is `limit`. */
export function within(size: Size, limit: number): Size {
  const scale = Math.min(1, limit / Math.max(size.width, size.height));
  return { width: Math.max(1, Math.round(size.width * scale)), height: Math.max(1, Math.round(size.height * scale)) };
}

const LONGEST_SIDE_PX = 1024;

/**
 * A picture as PNG of `size`, cut to its proportions, upright as the camera was held; without a size as it is,
 * at most 1024 pixels long. Throws for what the browser cannot read.
 */
export async function fitPicture(blob: Blob, size: Size | undefined): Promise<Blob> {
  const bitmap = await createImageBitmap(blob, { imageOrientation: 'from-image' });
  const to = size ?? within(bitmap, LONGEST_SIDE_PX);
  const { x, y, width, height } = coverBox(bitmap, to);
  const canvas = document.createElement('canvas');
  canvas.width = to.width;
  canvas.height = to.height;
  const context = canvas.getContext('2d');
  if (context === null) throw new Error('This browser cannot draw on a canvas.');
  context.imageSmoothingQuality = 'high';
  context.fillStyle = '#fff'; // Under pictures with see-through parts.
  context.fillRect(0, 0, to.width, to.height);
  context.drawImage(bitmap, x, y, width, height, 0, 0, to.width, to.height);
  bitmap.close();
  return new Promise((resolve, reject) => {
    canvas.toBlob((result) => (result === null ? reject(new Error('The picture could not be written.')) : resolve(result)), 'image/png');
  });
}

/** The first picture among files that were dropped, pasted or chosen. */
export function firstPicture(files: Iterable<File> | null | undefined): File | undefined {
  return [...(files ?? [])].find((file) => file.type.startsWith('image/'));
}
