// node:test follows every promise of a test process with a hook, to know of which test an error is that nobody caught. In tests
// that await much this is up to two fifths of their time. Without it such an error fails the file all the same, as one of no
// test in it (test/scripts/untracked-promises.test.ts), and what it was is written here.
import asyncHooks, { type AsyncHook } from 'node:async_hooks'
import { isMainThread } from 'node:worker_threads'

if (isMainThread) {
  const { createHook } = asyncHooks
  const inert: AsyncHook = { enable: () => inert, disable: () => inert }
  asyncHooks.createHook = () => inert
  // It takes the function now, and makes the hook at the first test.
  await import('node:test')
  asyncHooks.createHook = createHook
  process.on('uncaughtExceptionMonitor', error => console.error(error))
  process.on('unhandledRejection', reason => {
    console.error(reason)
    process.exitCode = 1
  })
}
