/** The lanes that mail travels in: `critical` (password resets, codes) overtakes `default`, and both overtake `bulk`. */
export const STREAMS = ['critical', 'default', 'bulk'] as const;
export type Stream = (typeof STREAMS)[number];
