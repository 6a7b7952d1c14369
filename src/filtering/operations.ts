// Every operation on scripts and on what their runs remember.
import { findRemembered, forgetRemembered } from './memory.ts'
import {
  activateScript,
  deleteScript,
  judgeScriptSpace,
  listScripts,
  readActiveScript,
  readScript,
  readScriptById,
  renameScript,
  storeScript,
} from './scripts.ts'

export const filteringOperations = [
  activateScript,
  deleteScript,
  findRemembered,
  forgetRemembered,
  judgeScriptSpace,
  listScripts,
  readActiveScript,
  readScript,
  readScriptById,
  renameScript,
  storeScript,
] as const
