// The texts of reports in each language.
import type { ReportLanguage } from './report.ts'
import type { ReportTexts } from './texts.ts'
import { english } from './texts-en.ts'
import { russian } from './texts-ru.ts'

export const reportTexts: Readonly<Record<ReportLanguage, ReportTexts>> = { en: english, ru: russian }
