// What a plugin's class extends: one of the nine `<Signal><Kind>` classes, or `Receiver`, `Processor`, `Exporter` for a
// class that serves several signals. Which signals a class serves follows from the methods that it has.
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

/** A class with any of `exportTraces`, `exportMetrics`, `exportLogs`. */
export abstract class Exporter extends Component {}
/** A class with `exportTraces`. */
export abstract class TracesExporter extends Exporter {}
/** A class with `exportMetrics`. */
export abstract class MetricsExporter extends Exporter {}
/** A class with `exportLogs`. */
export abstract class LogsExporter extends Exporter {}

/**
 * A class with any of `receiveTraces`, `receiveMetrics`, `receiveLogs`. Each is called once, after `start`, and returns
 * when `shutdownRequested()` answers true; what it emits goes on through the pipeline.
 */
export abstract class Receiver extends Component {}
/** A class with `receiveTraces`. */
export abstract class TracesReceiver extends Receiver {}
/** A class with `receiveMetrics`. */
export abstract class MetricsReceiver extends Receiver {}
/** A class with `receiveLogs`. */
export abstract class LogsReceiver extends Receiver {}
