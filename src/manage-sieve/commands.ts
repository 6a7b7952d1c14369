// The commands of ManageSieve (RFC 5804 §2), but for what comes within AUTHENTICATE.
import { isUtf8 } from 'node:buffer'
import type { MaybePromise } from '../runtime/maybe-promise.ts'
import { isScriptName } from '../sieve/commands/include.ts'
import { parseScript } from '../sieve/parse-script.ts'
import { formatProblem } from '../sieve/problem.ts'
import type { CommandToken } from './command-reader.ts'
import { formatLine, formatResponse, formatString, type Response } from './response.ts'
import { responses } from './responses.ts'
import type { StoreProblem } from './services.ts'
import type { Session, SessionPhase } from './session.ts'
import { type Step, say } from './step.ts'

interface Command {
  readonly syntax: string
  /** RFC 5804 §2 */
  readonly phases: readonly SessionPhase[]
  readonly parameters: readonly CommandToken['kind'][]
  readonly optional?: number
  run(session: Session, values: readonly CommandToken[]): MaybePromise<Step>
}

const before: readonly SessionPhase[] = ['not-authenticated']
const after: readonly SessionPhase[] = ['authenticated']
const always: readonly SessionPhase[] = ['not-authenticated', 'authenticated']

function bytesOf(token: CommandToken | undefined): Buffer {
  return token?.kind === 'string' ? token.bytes : Buffer.alloc(0)
}

/** undefined: no name of a script (RFC 5804 §1.6). NFC, so that a name is one name, however it was typed. */
function nameOf(token: CommandToken | undefined): string | undefined {
  const bytes = bytesOf(token)
  if (!isUtf8(bytes)) return undefined
  const name = bytes.toString('utf8').normalize('NFC')
  return isScriptName(name) ? name : undefined
}

/** Why a script is not taken, or undefined. */
function judgeScript(session: Session, bytes: Buffer): Response | undefined {
  if (bytes.length === 0) return responses.emptyScript
  if (!isUtf8(bytes)) return responses.notUtf8
  const { maxScriptBytes } = session.sieveLimits
  if (bytes.length > maxScriptBytes) return responses.literalTooLarge(maxScriptBytes)
  const { problems } = parseScript(bytes.toString('utf8'), { limits: session.sieveLimits })
  return problems && responses.problems(problems.map(formatProblem))
}

function spaceProblem(session: Session, problem: StoreProblem): Response {
  switch (problem) {
    case 'no-space':
      return responses.noSpace
    case 'too-many-scripts':
      return responses.tooManyScripts(session.context.limits.maxScripts)
    case 'gone':
      return responses.accountGone
    default:
      return problem satisfies never
  }
}

export const commands: Readonly<Record<string, Command>> = {
  AUTHENTICATE: {
    syntax: 'AUTHENTICATE "<mechanism>" ["<initial response in base64>"]',
    phases: before,
    parameters: ['string', 'string'],
    optional: 1,
    run: (session, [mechanism, initial]) =>
      session.authenticate(bytesOf(mechanism).toString('latin1'), initial && bytesOf(initial)),
  },
  STARTTLS: {
    syntax: 'STARTTLS',
    phases: before,
    parameters: [],
    run(session) {
      if (session.client.tls) return session.mistake(responses.tlsAlready)
      if (!session.context.hasTls) return session.mistake(responses.tlsNotOffered)
      return { ...say(responses.ok), effect: 'start-tls' }
    },
  },
  LOGOUT: { syntax: 'LOGOUT', phases: always, parameters: [], run: session => session.logOut() },
  CAPABILITY: {
    syntax: 'CAPABILITY',
    phases: always,
    parameters: [],
    run: session => session.greet(),
  },
  NOOP: {
    syntax: 'NOOP ["<tag>"]',
    phases: always,
    parameters: ['string'],
    optional: 1,
    // RFC 5804 §2.13
    run: (_, [tag]) =>
      say(tag ? { kind: 'OK', data: { code: 'TAG', value: bytesOf(tag) }, text: 'Done' } : responses.ok),
  },
  HAVESPACE: {
    syntax: 'HAVESPACE "<name>" <bytes>',
    phases: after,
    parameters: ['string', 'number'],
    async run(session, [nameToken, size]) {
      const name = nameOf(nameToken)
      if (name === undefined) return session.mistake(responses.badName)
      const bytes = size?.kind === 'number' ? size.value : 0
      const { maxScriptBytes } = session.sieveLimits
      if (bytes > maxScriptBytes) return say(responses.literalTooLarge(maxScriptBytes))
      const problem = await session.context.services.judgeSpace(session.account, name, bytes)
      return say(problem === undefined ? responses.ok : spaceProblem(session, problem))
    },
  },
  PUTSCRIPT: {
    syntax: 'PUTSCRIPT "<name>" {<bytes>+} and the script',
    phases: after,
    parameters: ['string', 'string'],
    async run(session, [nameToken, script]) {
      const name = nameOf(nameToken)
      if (name === undefined) return session.mistake(responses.badName)
      const bytes = bytesOf(script)
      const wrong = judgeScript(session, bytes)
      if (wrong) return say(wrong)
      const problem = await session.context.services.storeScript(session.account, name, bytes)
      return say(problem === undefined ? responses.ok : spaceProblem(session, problem))
    },
  },
  CHECKSCRIPT: {
    syntax: 'CHECKSCRIPT {<bytes>+} and the script',
    phases: after,
    parameters: ['string'],
    run: (session, [script]) => say(judgeScript(session, bytesOf(script)) ?? responses.ok),
  },
  LISTSCRIPTS: {
    syntax: 'LISTSCRIPTS',
    phases: after,
    parameters: [],
    async run(session) {
      const scripts = await session.context.services.listScripts(session.account)
      const lines = scripts.map(({ name, isActive }) =>
        formatLine(formatString(name), ...(isActive ? ['ACTIVE'] : [])),
      )
      return { output: Buffer.concat([...lines, formatResponse(responses.ok)]) }
    },
  },
  SETACTIVE: {
    syntax: 'SETACTIVE "<name>", or SETACTIVE "" for none',
    phases: after,
    parameters: ['string'],
    async run(session, [nameToken]) {
      // RFC 5804 §2.8: nothing is active under the empty name.
      const isNone = bytesOf(nameToken).length === 0
      const name = isNone ? undefined : nameOf(nameToken)
      if (!isNone && name === undefined) return session.mistake(responses.badName)
      const isThere = await session.context.services.activateScript(session.account, name)
      return say(isThere ? responses.ok : responses.noSuchScript)
    },
  },
  GETSCRIPT: {
    syntax: 'GETSCRIPT "<name>"',
    phases: after,
    parameters: ['string'],
    async run(session, [nameToken]) {
      const name = nameOf(nameToken)
      if (name === undefined) return session.mistake(responses.badName)
      const script = await session.context.services.readScript(session.account, name)
      if (!script) return say(responses.noSuchScript)
      const literal = Buffer.concat([Buffer.from(`{${script.length}}\r\n`), script])
      return { output: Buffer.concat([formatLine(literal), formatResponse(responses.ok)]) }
    },
  },
  DELETESCRIPT: {
    syntax: 'DELETESCRIPT "<name>"',
    phases: after,
    parameters: ['string'],
    async run(session, [nameToken]) {
      const name = nameOf(nameToken)
      if (name === undefined) return session.mistake(responses.badName)
      const outcome = await session.context.services.deleteScript(session.account, name)
      if (outcome === 'deleted') return say(responses.ok)
      return say(outcome === 'active' ? responses.scriptActive : responses.noSuchScript)
    },
  },
  RENAMESCRIPT: {
    syntax: 'RENAMESCRIPT "<old name>" "<new name>"',
    phases: after,
    parameters: ['string', 'string'],
    async run(session, [fromToken, toToken]) {
      const from = nameOf(fromToken)
      const to = nameOf(toToken)
      if (from === undefined || to === undefined) return session.mistake(responses.badName)
      const outcome = await session.context.services.renameScript(session.account, from, to)
      if (outcome === 'renamed') return say(responses.ok)
      return say(outcome === 'exists' ? responses.scriptExists : responses.noSuchScript)
    },
  },
}
