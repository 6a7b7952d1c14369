// Imported before a program of the tests: its clock, in every thread, is some milliseconds ahead of (or behind) the others'.
const shiftMs = Number(process.env['POSTRIDER_TEST_CLOCK_SHIFT_MS'] ?? 0)
const realNow = Date.now
Date.now = () => realNow() + shiftMs
