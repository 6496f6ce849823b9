/** A suppression as the API shows it, with times that people read. */
import type { FormerSuppression, Listed } from '../bounces/suppression/suppression-book.js';
import type { Suppression } from '../bounces/suppression/suppressions.js';

type Times = 'since' | 'until';

export type SuppressionView = Omit<Suppression, Times> & {
  readonly since: string;
  /** Null: it does not end by itself. */
  readonly until: string | null;
  readonly reactivated?: Omit<FormerSuppression['reactivated'], 'at'> & { readonly at: string };
};

export interface SuppressionPageView {
  readonly data: readonly SuppressionView[];
  readonly cursor: string | null;
}

export function viewSuppression(listed: Listed): SuppressionView {
  const { since, until, reactivated, ...rest } = { reactivated: undefined, ...listed };
  const view = { ...rest, since: iso(since), until: until === undefined ? null : iso(until) };
  return reactivated ? { ...view, reactivated: { ...reactivated, at: iso(reactivated.at) } } : view;
}

export function viewCursor(address: string | undefined): string | null {
  return address === undefined ? null : Buffer.from(address).toString('base64url');
}

function iso(atMs: number): string {
  return new Date(atMs).toISOString();
}
