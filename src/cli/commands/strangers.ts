// postrider strangers: which networks met a limit of limits.strangers, how often, and until when.
import { type Command, Option } from 'commander'
import { type ReachedLimit, settingOf } from '../../policy/stranger-limits.ts'
import { WrongUsage } from '../../runtime/fault.ts'
import { replies } from '../../smtp/replies.ts'
import { findEvents } from '../../trail/find-events.ts'
import { trailKeys } from '../../trail/keys.ts'
import { addCommand, type CommandRun, perform } from '../command.ts'
import type { CommandStorage } from '../open-storage.ts'
import { parseTime, timeForms } from '../parse-time.ts'
import { formatRelative, formatTime } from '../quantities.ts'

interface StrangersOptions {
  readonly since: string
}

/** One limit that one network met. */
interface Limited extends Pick<ReachedLimit, 'network' | 'what' | 'per' | 'most' | 'until'> {
  readonly times: number
  readonly lastAt: number
}

const pageSize = 1000

export function addStrangersCommand(program: Command, run: CommandRun): void {
  addCommand(program, {
    usage: 'strangers',
    summary: 'Show the networks that brought more than limits.strangers lets them',
    description:
      'Show the networks that brought more than limits.strangers in the settings lets them: which limit they met, how often ' +
      'they were turned away or put off because of it, and until when. A network that should not be among them goes into limits.strangers.exempt.',
    examples: ['strangers', 'strangers --since "3 days"'],
  })
    .addOption(new Option('--since <time>', `not before this time. ${timeForms}`).default('24h'))
    .action(
      perform(run, async (invocation, { since }: StrangersOptions) => {
        const now = invocation.clock.now()
        const at = parseTime(since, now, 'start')
        if (at === undefined) throw new WrongUsage(`"${since}" of --since is no time. ${timeForms}`)
        const found = await invocation.withStorage(storage => collect(storage, at))
        invocation.output.rows(
          found,
          [
            { title: 'NETWORK', cell: ({ network }) => network },
            { title: 'LIMIT', cell: one => `${settingOf(one)} = ${one.most}` },
            { title: 'TIMES', align: 'right', cell: ({ times }) => String(times) },
            { title: 'LAST', cell: ({ lastAt }) => formatRelative(lastAt, now) },
            { title: 'UNTIL', cell: ({ until }) => (until > now ? formatTime(until) : '') },
          ],
          one => ({
            network: one.network,
            limit: settingOf(one),
            most: one.most,
            times: one.times,
            lastAt: new Date(one.lastAt).toISOString(),
            until: new Date(one.until).toISOString(),
          }),
          'No network has met a limit.',
        )
      }),
    )
}

/** Those that were turned away most often first. */
async function collect(storage: Pick<CommandStorage, 'run'>, since: number): Promise<readonly Limited[]> {
  const limited = new Map<string, Limited>()
  // The replies of all limits have the same enhanced code; an account that writes to many new addresses has it, too.
  const { enhanced = '' } = replies.tooMuchInTime('messages', 0, 'hour', '', 0)
  for (let beforeId: number | undefined; ; ) {
    const page: Awaited<ReturnType<typeof findEvents.run>> = await storage.run(findEvents, {
      anyOf: [trailKeys.reply(enhanced)],
      since,
      until: Number.MAX_SAFE_INTEGER,
      beforeId,
      limit: pageSize,
    })
    for (const { at, event } of page.records) {
      if (event.kind !== 'refused' && event.kind !== 'turned-away') continue
      const { limit, repeated = 0 } = event
      if (!limit) continue
      const key = `${limit.network} ${settingOf(limit)}`
      const before = limited.get(key)
      // The newest comes first.
      limited.set(key, {
        ...(before ?? { ...limit, lastAt: at }),
        times: (before?.times ?? 0) + 1 + repeated,
      })
    }
    if (page.goOnBefore === undefined) break
    beforeId = page.goOnBefore
  }
  return [...limited.values()].toSorted((a, b) => b.times - a.times)
}
