// CAPA (RFC 2449 §5).
import { answers } from '../../responses/answers.ts'
import { formatLines } from '../../responses/lines.ts'
import { capabilitiesOf } from '../capabilities.ts'
import { always, type Command } from '../command.ts'

export const capa: Command<'CAPA'> = {
  verb: 'CAPA',
  phases: always,
  run: session => ({
    ...session.answer(answers.capabilities),
    lines: formatLines(capabilitiesOf(session)),
  }),
}
