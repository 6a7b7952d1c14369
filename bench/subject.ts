// A server that is measured: started fresh for each round, with a state of its own.

export interface SubjectOptions {
  /** Where its folder goes: the same disk for every subject. */
  readonly parentFolder: string
  /** hold: accept and keep. Else: deliver everything to this port, where smtp-sink listens. */
  readonly destination: 'hold' | { readonly sinkPort: number }
}

export interface Others {
  /** The root of the process tree of the database. */
  readonly databasePid: number
  readonly nodePids: readonly number[]
  readonly ports: readonly number[]
}

export interface RunningSubject {
  /** The root of its process tree. */
  readonly pid: number
  readonly port: number
  /** Where it is more than one: other processes, and other ports over which the load is spread. */
  readonly others?: Others | undefined
  /** Messages that it holds, counted in its own queue. */
  countQueue(): Promise<number>
  stop(): Promise<void>
}

export interface Subject {
  readonly name: string
  start(options: SubjectOptions): Promise<RunningSubject>
}
