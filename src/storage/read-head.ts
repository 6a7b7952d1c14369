// The beginning of mail data, for whoever needs no more of it.

/** At most `maxBytes`. */
export async function readHead(mailData: AsyncIterable<Uint8Array>, maxBytes: number): Promise<Buffer> {
  const chunks: Buffer[] = []
  let length = 0
  for await (const chunk of mailData) {
    chunks.push(Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength))
    length += chunk.byteLength
    if (length >= maxBytes) break
  }
  const whole = chunks.length === 1 && chunks[0] ? chunks[0] : Buffer.concat(chunks)
  return whole.subarray(0, maxBytes)
}
