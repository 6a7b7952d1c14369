// /health and /ready over HTTP, for load balancers and whatever starts processes anew: a status, and a line for each reason.
import type { HealthSettings } from '../config/settings.ts'
import type { OpenListener } from '../web/open-listener.ts'
import { type Page, servePages } from '../web/page-server.ts'
import { formatProblems, type Health, type Problem } from './server-health.ts'

/** Rejects with the system's error (EADDRINUSE, EACCES …). */
export async function startHealthServer(
  { address, port }: Pick<HealthSettings, 'address' | 'port'>,
  examine: () => Promise<Health>,
): Promise<OpenListener> {
  return await servePages({ address, port, compose: ({ path }) => composePage(path, examine) })
}

async function composePage(path: string, examine: () => Promise<Health>): Promise<Page> {
  if (path !== '/health' && path !== '/ready')
    return { status: 404, text: 'There are two pages here: /health and /ready.\n' }
  const { lifeless, unready, remarks } = await examine()
  return path === '/health' ? pageOf('alive', lifeless, remarks) : pageOf('ready', unready, remarks)
}

function pageOf(state: string, problems: readonly Problem[], remarks: readonly string[]): Page {
  const lines =
    problems.length === 0 ? [state, ...remarks] : [`not ${state}`, ...formatProblems(problems), ...remarks]
  return { status: problems.length === 0 ? 200 : 503, text: `${lines.join('\n')}\n` }
}
