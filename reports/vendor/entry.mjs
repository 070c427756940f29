// The marks that the report draws with, and nothing else: each further mark costs bytes in every report.
export {plot, dot, line, link, areaY, ruleX, ruleY, tickX, text} from "@observablehq/plot";
