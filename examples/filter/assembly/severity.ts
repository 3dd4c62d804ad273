import { configFail } from "@otelwasm/sdk/config/config";

const NAMES: string[] = ["TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL"];
const STEPS = 4;

/**
 * @param name `WARN`, or one of the four steps that it has: `WARN2`
 * @param upper whether a name without a step means the last of the four
 */
export function severityOf(name: string, upper: bool, path: string): i32 {
  const text = name.toUpperCase();
  for (let i = 0; i < NAMES.length; ++i) {
    if (!text.startsWith(NAMES[i])) continue;
    const first = i * STEPS + 1;
    const step = text.substring(NAMES[i].length);
    if (step == "") return upper ? first + STEPS - 1 : first;
    if (step == "2" || step == "3" || step == "4") return first + step.charCodeAt(0) - 0x31;
  }
  configFail(path, 'is "' + name + '"; known are: ' + NAMES.join(", ") + ", and each with 2, 3 or 4 behind it");
  return 0;
}
