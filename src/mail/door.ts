/** The doors that mail comes in by, as metrics and events name them. */
export const DOORS = ['smtp', 'http', 'trusted'] as const;
export type Door = (typeof DOORS)[number];
