// When a server that shares a database, and says every few seconds that it runs, counts as ended.

/** Three of its signs of life may be lost. */
export const serverSilentMs = 16_000
