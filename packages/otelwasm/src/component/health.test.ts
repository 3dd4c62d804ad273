import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { aggregateStatus, COMPONENT_STATUSES, type ComponentStatus } from "./health.ts";

describe("one status for several", () => {
  const cases: readonly (readonly [statuses: readonly ComponentStatus[], together: ComponentStatus])[] = [
    [[], "None"],
    [["OK", "OK"], "OK"],
    [["Stopped", "Stopped"], "Stopped"],
    [["OK", "FatalError", "PermanentError", "Stopping"], "FatalError"],
    [["OK", "PermanentError", "Stopping", "RecoverableError"], "PermanentError"],
    [["OK", "RecoverableError", "Stopping"], "Stopping"],
    [["OK", "Stopped"], "Stopping"],
    [["OK", "RecoverableError", "Starting"], "RecoverableError"],
    [["OK", "Starting"], "Starting"],
    [["None", "OK"], "Starting"],
  ];
  for (const [statuses, together] of cases)
    test(`${statuses.join(", ") || "none at all"}: ${together}`, () =>
      assert.equal(aggregateStatus(statuses), together));

  test("does not depend on the order, and is OK only if all are", () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom(...COMPONENT_STATUSES), { minLength: 1 }), (statuses) => {
        const together = aggregateStatus(statuses);
        assert.equal(aggregateStatus(statuses.toReversed()), together);
        assert.equal(
          together === "OK",
          statuses.every((status) => status === "OK"),
        );
      }),
    );
  });
});
