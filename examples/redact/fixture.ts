/** Batches that have a text wherever one can stand. */
import { anyValue, attribute } from "../testing.ts";

export const SECRET = "mail a@b.de";
export const HIDDEN = "mail ****";

/** The same message with secrets and without. */
export function everywhere(text: string): { traces: object; metrics: object; logs: object } {
  const nested = { deep: [text, { deeper: text, number: 1 }] };
  const attributes = [attribute("text", text), attribute("nested", nested), attribute("number", 7)];
  const shared = { resource: { attributes }, schemaUrl: SECRET };
  const scope = { name: SECRET, attributes };
  const points = [{ attributes, exemplars: [{ filteredAttributes: attributes, asInt: 1 }] }];
  const bytes = Buffer.from(SECRET);
  return {
    traces: {
      resourceSpans: [
        {
          ...shared,
          scopeSpans: [
            {
              scope,
              spans: [
                {
                  name: SECRET,
                  attributes,
                  traceState: SECRET,
                  events: [{ name: SECRET, attributes }],
                  links: [{ attributes, traceState: SECRET }],
                  status: { message: text, code: 2 },
                },
              ],
            },
          ],
        },
      ],
    },
    metrics: {
      resourceMetrics: [
        {
          ...shared,
          scopeMetrics: [
            {
              scope,
              metrics: [
                { name: SECRET, metadata: attributes, gauge: { dataPoints: points } },
                { sum: { dataPoints: points } },
                { histogram: { dataPoints: points } },
                { exponentialHistogram: { dataPoints: points } },
                { summary: { dataPoints: [{ attributes }] } },
              ],
            },
          ],
        },
      ],
    },
    logs: {
      resourceLogs: [
        {
          ...shared,
          scopeLogs: [
            {
              scope,
              logRecords: [
                { attributes, body: { stringValue: text }, eventName: SECRET },
                { body: anyValue(nested) },
                { body: { bytesValue: bytes } },
              ],
            },
          ],
        },
      ],
    },
  };
}
