// What a client is told of faults of the storage.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { answers } from '../../src/imap/responses/answers.ts'
import { formatStatusResponse } from '../../src/imap/responses/status-response.ts'
import { explainFault } from '../../src/mail-access/explain-fault.ts'
import { StorageFault } from '../../src/storage/storage-fault.ts'

test('what may pass, and what is damaged, is told as that; of the rest only the log tells', () => {
  const told = (cause: unknown): string => {
    const refusal = explainFault(cause)
    return formatStatusResponse(
      'a',
      refusal ? answers.refused(refusal.refused, refusal.code) : answers.localError,
    )
  }
  assert.match(told(new StorageFault('STORAGE_DISK_FULL', 'x')), /^a NO \[UNAVAILABLE\] The disk /)
  assert.match(told(new StorageFault('STORAGE_UNAVAILABLE', 'x')), /^a NO \[UNAVAILABLE\] The mailboxes /)
  assert.match(
    told(new StorageFault('STORAGE_DAMAGED', 'x')),
    /^a NO \[CORRUPTION\] Some of this is damaged /,
  )
  assert.match(told(new Error('x')), /^a NO \[SERVERBUG\] /)
})
