/** The output of a run: JSON for programs, Markdown for people, JUnit for CI. */
import { environment } from './environment.ts'
import { asJUnit, asMarkdown, type Summary } from './report.ts'

/** @param claim what the scenario is to show, in one sentence */
export function handleSummaryOf(claim: string): (summary: Summary) => Record<string, string> {
  return (summary) => {
    const markdown = asMarkdown(environment.scenario, claim, summary)
    const file = `${environment.results}/${environment.scenario}`
    return {
      stdout: markdown,
      [`${file}.md`]: markdown,
      [`${file}.json`]: `${JSON.stringify(summary, undefined, 2)}\n`,
      [`${file}.xml`]: asJUnit(environment.scenario, summary),
    }
  }
}
