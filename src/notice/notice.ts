// What the server tells people by mail, in their language, before it is laid out: first what this is about, then the rest.

export interface Notice {
  readonly groups: readonly { readonly opening: string; readonly blocks: readonly NoticeBlock[] }[]
  readonly details: { readonly title: string; readonly rows: readonly Labelled[] }
  /** For the administrator: the sentences, each once. */
  readonly technical?: { readonly title: string; readonly lines: readonly string[] }
  readonly closing: string
}

/** A sentence, with what it is about before it. */
export interface Labelled {
  readonly label?: string
  readonly text: string
  /** A page of ours or of the provider, never one that a stranger named. */
  readonly page?: string
  /** To be typed as it stands. */
  readonly command?: string
}

export interface NoticeBlock {
  /** Addresses, or whatever else it is about. */
  readonly about: readonly string[]
  readonly sentences: readonly Labelled[]
  readonly quote?: { readonly title: string; readonly lines: readonly string[] }
  readonly forAdministrator?: Labelled
  /** To be done one after the other. */
  readonly steps?: { readonly title: string; readonly items: readonly Labelled[] }
}
