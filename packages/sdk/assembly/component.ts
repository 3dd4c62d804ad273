// What a plugin's class extends: one of the nine `<Signal><Kind>` classes, or `Processor`, `Exporter` for a class that
// serves several signals. Which signals a class serves follows from the methods that it has.
import { Status } from "./status";

export abstract class Component {
  /** Called once, before any batch. */
  start(): Status {
    return Status.ok();
  }

  /** Called once, after the last batch. */
  shutdown(): Status {
    return Status.ok();
  }
}

/** A class with any of `processTraces`, `processMetrics`, `processLogs`. */
export abstract class Processor extends Component {}
/** A class with `processTraces`. */
export abstract class TracesProcessor extends Processor {}
/** A class with `processMetrics`. */
export abstract class MetricsProcessor extends Processor {}
/** A class with `processLogs`. */
export abstract class LogsProcessor extends Processor {}
