// What follows from what a listener is for.
import type { ListenerRole } from './services.ts'

/** Its clients are people's programs: they log in, and what their messages lack is added (RFC 6409). */
export function isForUsers(role: ListenerRole): boolean {
  return role === 'submission' || role === 'submissions'
}
