// What may be there at once: whoever asks need not wait a turn for what is known already.

export type MaybePromise<T> = T | Promise<T>
