// What the screening of mail asks the storage for.
import { greylistOperations } from './greylist.ts'
import { learnJudgement } from './learn-judgement.ts'
import { learningOperations } from './learning.ts'

export const screeningOperations = [...greylistOperations, ...learningOperations, learnJudgement]
