// How much a new address sends to one receiver in a day, from its first day on, and where that is written.

/**
 * Advice of senders, as no receiver publishes figures for this. The first week: the lower of two figures for each day in
 * https://www.connected.app/library/email-protocols/deliverability/articles/warming-up-ip-addresses-ui0acap
 * After it the steps of https://kb.adcrux.io/kbp/user-manuals/ip-warm-up-strategy/ from its fifth day to its fourteenth. Both
 * are for all mail of an address; a receiver gets no more than a part of that. What SparkPost reports of receivers holds too:
 * in the first week one took 5000 a day from a new address, another 20,000 (its IP Warm-up Overview of 2017,
 * https://www.scribd.com/document/522912279/7-3-SparkPost-IP-Warm-up-Overview-pdf).
 */
export const usualCurve: readonly number[] = [
  50, 100, 200, 400, 800, 1500, 3000, 5000, 10_000, 20_000, 40_000, 50_000, 75_000, 100_000, 150_000, 200_000,
  250_000,
]
