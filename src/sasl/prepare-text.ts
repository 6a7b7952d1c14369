// SASLprep (RFC 4013): one spelling for what two keyboards may write differently. SCRAM demands it of names and passwords
// (RFC 5802 §2.2), and the client has done the same.

/** What SASLprep leaves as it is, which is what nearly everybody has. */
const plainText = /^[ -~]*$/

/** As clients do; what SASLprep prohibits, or does not know, is composed only (NFC, as RFC 8265 §4.2 has it). */
export async function prepareText(text: string): Promise<string> {
  if (plainText.test(text)) return text
  // Its tables cost memory and time to start, so whoever has no need of it does not load it.
  const { saslprep } = await import('@mongodb-js/saslprep')
  try {
    return saslprep(text, { allowUnassigned: true })
  } catch {
    // Prohibited: an old password, or one with characters that Unicode 3.2 did not have.
    return text.normalize('NFC')
  }
}
