// What the thread of a hook file and the thread that holds it say to each other.
import type { Connected, Greeted, MailBegun, MessageCame, RecipientNamed } from './index.ts'

/** In the order of a session; also the names of the functions of a hook file. */
export const hookStages = ['connect', 'hello', 'mail', 'rcpt', 'data'] as const
export type HookStage = (typeof hookStages)[number]

/** What each function gets. */
export interface HookSessions {
  readonly connect: Connected
  readonly hello: Greeted
  readonly mail: MailBegun
  readonly rcpt: RecipientNamed
  readonly data: MessageCame
}

export interface HookWorkerData {
  /** 'file:///etc/postrider/hooks.ts' */
  readonly url: string
  /** The text of that file: what is run is what was read, whatever becomes of the file. */
  readonly source: string
}

/** What is wrong, and where in the file of the administrator's that is known. */
export interface HookProblem {
  /** 'SyntaxError: Expression expected' */
  readonly message: string
  readonly file?: string | undefined
  readonly line?: number | undefined
}

export type ToHookWorker =
  | {
      readonly kind: 'call'
      readonly id: number
      readonly stage: HookStage
      readonly session: HookSessions[HookStage]
    }
  | { readonly kind: 'ping' }

export type FromHookWorker =
  | { readonly kind: 'loaded'; readonly stages: readonly HookStage[] }
  | { readonly kind: 'failed'; readonly problem: HookProblem }
  /** `value`: whatever the function returned, copied; nobody has looked at it. */
  | { readonly kind: 'answered'; readonly id: number; readonly value: unknown }
  | { readonly kind: 'threw'; readonly id: number; readonly problem: HookProblem }
  /** Outside of any call: in a timer, in a promise that nobody waits for. */
  | { readonly kind: 'strayed'; readonly problem: HookProblem }
  | { readonly kind: 'pong' }
