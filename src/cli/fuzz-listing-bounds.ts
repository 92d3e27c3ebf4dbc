// What a listing of an image goes to, whoever makes it: so that two of them are of the same entries.

/** Names below one another, entries, bytes of a file. */
export const LISTING_BOUNDS = { depth: 8, entries: 200, fileBytes: 65536 } as const
