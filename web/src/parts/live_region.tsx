import { announcement } from '../state/announce';
import { useStore } from '../state/store';

/** Says announcements to screen readers. */
export function LiveRegion() {
  return <div class="unseen" role="status" aria-live="polite">{useStore(announcement)}</div>;
}
