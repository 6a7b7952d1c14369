// The field that tells mail programs, and servers behind this one, that a message was put aside as suspicious.

export const verdictField = 'Postrider-Verdict: quarantine\r\n'
