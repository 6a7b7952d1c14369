// A listener of its own for something small, which strangers reach.
import type { AddressInfo, Server } from 'node:net'

export interface OpenListener {
  readonly bound: { readonly address: string; readonly port: number }
  /** Ends what is under way. */
  close(): Promise<void>
}

const maxConnections = 100

/** Rejects with the system's error (EADDRINUSE, EACCES …). Does not keep the process alive. Port 0: the system chooses. */
export async function openListener(
  server: Server & { closeAllConnections?(): void },
  { address, port }: OpenListener['bound'],
): Promise<OpenListener> {
  server.maxConnections = maxConnections
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen({ host: address, port }, () => {
      server.off('error', reject)
      resolve()
    })
  })
  server.unref()
  return {
    bound: { address, port: (server.address() as AddressInfo).port },
    close: () =>
      new Promise(resolve => {
        server.close(() => resolve())
        server.closeAllConnections?.()
      }),
  }
}
