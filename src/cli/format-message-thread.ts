// Formats one message, in a thread that can be ended.
import { parentPort, workerData } from 'node:worker_threads'
import { formatMessage } from './format-message.ts'

parentPort?.postMessage(await formatMessage(workerData as Uint8Array))
