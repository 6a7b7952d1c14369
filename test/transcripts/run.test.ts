// Every transcript, three ways: line by line, byte by byte, everything pipelined; and each with services that answer at
// once and with services that answer later. The replies must be the same.
import { play } from './play.ts'
import { testTranscripts } from './test-transcripts.ts'

testTranscripts(import.meta.dirname, play)
