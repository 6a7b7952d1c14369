// What one run of a command has at hand. Made once, in `postrider.ts`; a test may make its own.
import type { Settings } from '../config/settings.ts'
import type { Clock } from '../runtime/clock.ts'
import type { Random } from '../runtime/random.ts'
import type { MailDataStore } from '../storage/mail-data.ts'
import { openMailData } from '../storage/open-mail-data.ts'
import type { ExitCode } from './exit-codes.ts'
import { findSettings } from './find-settings.ts'
import { type CommandStorage, openOrBeginStorage, openStorageForCommand } from './open-storage.ts'
import { Output, type Screen } from './output.ts'
import type { ProgramName } from './program-name.ts'
import type { Keyboard } from './prompt.ts'

export interface Surroundings {
  readonly clock: Clock
  readonly random: Random
  readonly environment: Readonly<Record<string, string | undefined>>
  readonly workingFolder: string
  readonly programName: ProgramName
  readonly keyboard: Keyboard
  readonly stdout: Screen
  readonly stderr: Screen
  /** Calls back at the first Ctrl-C, which then does not end the process; returns what undoes this. */
  readonly onInterrupt: (listener: () => void) => () => void
}

/** The options that every command takes. */
export interface GlobalOptions {
  readonly settings?: string | undefined
  readonly json?: boolean | undefined
}

type UseStorage<Result> = (storage: CommandStorage, settings: Settings) => Promise<Result>

export class Invocation {
  readonly surroundings: Surroundings
  readonly output: Output
  readonly settingsFile: string | undefined
  #settings: Promise<Settings> | undefined
  /** What the process ends with, when nothing is thrown. */
  exitCode: ExitCode = 0

  constructor(surroundings: Surroundings, options: GlobalOptions, spellCommands: (text: string) => string) {
    this.surroundings = surroundings
    this.settingsFile = options.settings
    this.output = new Output({ ...surroundings, json: options.json === true, spellCommands })
  }

  get clock(): Clock {
    return this.surroundings.clock
  }

  get random(): Random {
    return this.surroundings.random
  }

  settings(): Promise<Settings> {
    this.#settings ??= findSettings(this.settingsFile, this.surroundings.workingFolder)
    return this.#settings
  }

  async withStorage<Result>(use: UseStorage<Result>): Promise<Result> {
    return await this.#with(openStorageForCommand, use)
  }

  /** Of a command that begins a server: where there is no storage yet, it is made. */
  async withStorageToBegin<Result>(use: UseStorage<Result>): Promise<Result> {
    return await this.#with(openOrBeginStorage, use)
  }

  async #with<Result>(open: typeof openOrBeginStorage, use: UseStorage<Result>): Promise<Result> {
    const settings = await this.settings()
    const storage = await open(settings)
    try {
      return await use(storage, settings)
    } finally {
      await storage.close()
    }
  }

  /** Work in steps that Ctrl-C ends between two of them: `isInterrupted` says so. */
  async whileInterruptible<Result>(work: (isInterrupted: () => boolean) => Promise<Result>): Promise<Result> {
    let interrupted = false
    const forget = this.surroundings.onInterrupt(() => {
      interrupted = true
    })
    try {
      return await work(() => interrupted)
    } finally {
      forget()
    }
  }

  mailData(storage: CommandStorage, settings: Settings): MailDataStore {
    return openMailData(settings, storage, this.clock, this.random)
  }

  /** Removes mail data files after the commit that left them without a row. */
  async discardMailData(files: readonly string[]): Promise<void> {
    if (files.length === 0) return
    await this.withStorage(async (storage, settings) => await this.mailData(storage, settings).discard(files))
  }
}
