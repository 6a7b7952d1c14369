// Property tests run with the same values each time under `npm test`, so that a failure is the change's and not chance's.
// PROPERTY_SEED=<number> runs them with others; so does `node --test` on a single file.
import { isMainThread } from 'node:worker_threads'

// Threads that a test starts load it too, and have none.
if (isMainThread) {
  const { configureGlobal } = await import('fast-check')
  configureGlobal({ seed: Number(process.env['PROPERTY_SEED'] ?? 1) })
}
