// biome-ignore-all lint/suspicious/noTemplateCurlyInString: these are the Collector's variables
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { ConfigError } from "../component/errors.ts";
import { parseConfig } from "../config/load.ts";
import { resolveConfig, type ServiceConfig } from "./config.ts";
import { FactorySet } from "./factories.ts";
import { DEFAULT_LOGS } from "./log-settings.ts";
import { createWorld } from "./testing/components.ts";

const factories = new FactorySet(createWorld().factories);

function resolve(yaml: string): ServiceConfig {
  return resolveConfig(parseConfig(yaml, "t", { env: { TOKEN: "0123" } }), factories);
}

function issuesOf(yaml: string): readonly string[] {
  try {
    resolve(yaml);
  } catch (error) {
    assert.ok(error instanceof ConfigError, String(error));
    return error.issues;
  }
  assert.fail("the configuration was accepted");
}

const RECEIVERS = "receivers: {mem: }";
const EXPORTERS = "exporters: {mem: }";
const PIPELINE = "{receivers: [mem], exporters: [mem]}";
const SERVICE = `service: {pipelines: {traces: ${PIPELINE}}}`;
const GOOD = `${RECEIVERS}\n${EXPORTERS}\n`;

describe("a configuration that can be used", () => {
  test("components have their defaults, aliases and names work, pipelines keep their order", () => {
    const config = resolve(`
receivers: {mem: , mem/two: {label: '\${env:TOKEN}'}}
processors: {mem/b: , mem/a: {tag: 1}}
exporters: {memory: , mem/x: {mutates: true}}
connectors: {}
extensions:
service:
  extensions: []
  pipelines:
    traces: {receivers: [mem, mem], processors: [mem/b, mem/a], exporters: [memory]}
    traces/2: {receivers: [mem/two], exporters: [mem/x]}
    logs: {receivers: [mem], exporters: [mem/x]}
`);
    assert.deepEqual(
      config.pipelines.map(({ id, signal, receivers, processors }) => [id, signal, receivers, processors]),
      [
        ["traces", "traces", ["mem"], ["mem/b", "mem/a"]],
        ["traces/2", "traces", ["mem/two"], []],
        ["logs", "logs", ["mem"], []],
      ],
    );
    assert.deepEqual(config.receivers.get("mem/two")?.config, { mutates: false, endpoints: [], label: "0123" });
    assert.equal(config.exporters.get("memory")?.factory.type, "mem");
    assert.deepEqual(config.unused, []);
    assert.deepEqual(config.logs, DEFAULT_LOGS);
  });

  test("the service's own log", () => {
    const config = resolve(
      `${GOOD}service: {telemetry: {logs: {level: DEBUG, encoding: json}, metrics: {level: none}, traces: {level: none}}, pipelines: {traces: ${PIPELINE}}}`,
    );
    assert.deepEqual(config.logs, { ...DEFAULT_LOGS, level: "debug", encoding: "json" });
    const logs = (section: string) =>
      resolve(`${GOOD}service: {telemetry: {logs: ${section}}, pipelines: {traces: ${PIPELINE}}}`).logs;
    assert.deepEqual(logs(""), DEFAULT_LOGS);
    assert.equal(logs("{sampling: {enabled: false}}").sampling, undefined);
    assert.deepEqual(logs("{sampling: {tick: 1s, thereafter: 0}}").sampling, {
      tick: 1_000,
      initial: 10,
      thereafter: 0,
    });
    assert.deepEqual(
      logs(
        "{level: panic, development: true, disable_caller: true, output_paths: [stdout, a/b.log, 'file:///x'], error_output_paths: [], initial_fields: {a: {b: 1}}, disable_zap_resource: false}",
      ),
      {
        ...DEFAULT_LOGS,
        level: "fatal",
        stacks: "warn",
        outputPaths: ["stdout", "a/b.log", "file:///x"],
        errorOutputPaths: [],
        initialFields: { a: { b: 1 } },
        withResource: true,
      },
    );
    assert.equal(logs("{development: true, disable_stacktrace: true}").stacks, "never");
  });

  test("own metrics: nothing said, switched off, readers", () => {
    const metrics = (section: string) =>
      resolve(`${GOOD}service: {telemetry: {metrics: ${section}}, pipelines: {traces: ${PIPELINE}}}`).metrics;
    assert.deepEqual(metrics(""), { level: "normal", readers: undefined, views: [] });
    assert.deepEqual(metrics("{level: None, readers: []}"), { level: "none", readers: [], views: [] });
    const names = {
      type: "prometheus",
      withoutScopeInfo: false,
      withoutTypeSuffix: true,
      withoutUnits: false,
      resourceLabels: { included: ["service.*"], excluded: [] },
    };
    assert.deepEqual(
      metrics(
        "{level: detailed, readers: [{pull: {exporter: {prometheus: {host: '::1', port: 0, without_type_suffix: true, with_resource_constant_labels: {included: ['service.*']}}}}}]}",
      ),
      { level: "detailed", readers: [{ address: { host: "::1", port: 0 }, ...names }], views: [] },
    );
  });

  test("own traces: where they go, and how many there are", () => {
    const traces = (section: string) =>
      resolve(`${GOOD}service: {telemetry: {traces: ${section}}, pipelines: {traces: ${PIPELINE}}}`).traces;
    const otlp = "exporter: {otlp: {protocol: grpc, endpoint: x, insecure: true}}";
    assert.deepEqual(traces(""), { processors: [], ratio: 1 });
    const { processors } = traces(`{processors: [{batch: {schedule_delay: 7, ${otlp}}}, {simple: {${otlp}}}]}`);
    assert.deepEqual(
      processors.map(({ target, ...settings }) => [target.signal, target.factory.type, settings]),
      [
        [
          "traces",
          "otlp_grpc",
          { scheduleDelay: 7, exportTimeout: 30_000, maxQueueSize: 2_048, maxExportBatchSize: 512 },
        ],
        [
          "traces",
          "otlp_grpc",
          { scheduleDelay: 0, exportTimeout: 30_000, maxQueueSize: 2_048, maxExportBatchSize: 1 },
        ],
      ],
    );
    assert.deepEqual(traces(`{level: none, processors: [{simple: {${otlp}}}]}`).processors, []);
    const ratio = (sampler: string) => traces(`{sampler: ${sampler}, propagators: []}`).ratio;
    assert.equal(ratio("{always_on: {}}"), 1);
    assert.equal(ratio("{always_off: }"), 0);
    assert.equal(ratio("{trace_id_ratio_based: {ratio: 0.25}}"), 0.25);
    assert.equal(ratio("{parent_based: {root: {trace_id_ratio_based: {ratio: 0.5}}}}"), 0.5);
    assert.equal(ratio("{parent_based: {}}"), 1);
  });

  test("extensions keep the order of service::extensions, each once", () => {
    const config = resolve(
      `${GOOD}extensions: {mem/a: , mem/b: , mem: }\nservice: {extensions: [mem/b, mem, mem/b], pipelines: {traces: ${PIPELINE}}}`,
    );
    assert.deepEqual(config.serviceExtensions, ["mem/b", "mem"]);
    assert.deepEqual(config.unused, ['extension "mem/a" is configured, but not in service::extensions']);
  });

  test("connectors connect pipelines; what they can connect in no use of theirs is no mistake", () => {
    const config = resolve(`
${GOOD}
connectors: {mem/c: , other: , mem/spare: }
service:
  pipelines:
    traces: {receivers: [mem], exporters: [mem/c]}
    metrics: {receivers: [mem], exporters: [mem, other]}
    traces/2: {receivers: [mem/c], exporters: [mem]}
    logs: {receivers: [mem/c, other], exporters: [mem]}
`);
    assert.deepEqual([...config.connectors.keys()], ["mem/c", "other", "mem/spare"]);
    assert.deepEqual(config.unused, ['connector "mem/spare" is configured, but in no pipeline']);
  });

  test("what is configured but unused is checked all the same, and known", () => {
    const config = resolve(`receivers: {mem: , mem/spare: }\n${EXPORTERS}\n${SERVICE}`);
    assert.deepEqual(config.unused, ['receiver "mem/spare" is configured, but in no pipeline']);
    assert.deepEqual(issuesOf(`receivers: {mem: , mem/spare: {tag: 999}}\n${EXPORTERS}\n${SERVICE}`), [
      "receivers::mem/spare::tag: must be at most 255",
    ]);
  });
});

const cases: readonly (readonly [name: string, yaml: string, ...issues: string[]])[] = [
  ["nothing at all", "", "service::pipelines: must have at least one pipeline"],
  ["an unknown section", `${GOOD}reciever: {}\n${SERVICE}`, 'reciever: unknown key; did you mean "receivers"?'],
  [
    "a section that is a list",
    `receivers: [mem]\n${EXPORTERS}\n${SERVICE}`,
    "receivers: must be a map, not a list",
    'service::pipelines::traces: references receiver "mem" which is not configured',
  ],
  [
    "an unknown type",
    `receivers: {mem: , jaeger/x: }\n${EXPORTERS}\n${SERVICE}`,
    'receivers::jaeger/x: unknown receiver type "jaeger"; known types: mem',
  ],
  [
    "an unknown type that is used is one mistake",
    `receivers: {men: }\n${EXPORTERS}\nservice: {pipelines: {traces: {receivers: [men], exporters: [mem]}}}`,
    'receivers::men: unknown receiver type "men"; did you mean "mem"? known types: mem',
  ],
  [
    "all exporter types are listed, aliases too",
    `${RECEIVERS}\nexporters: {mem: , nothing_like_it: }\n${SERVICE}`,
    'exporters::nothing_like_it: unknown exporter type "nothing_like_it"; known types: mem, memory, traces_only',
  ],
  [
    "an invalid type",
    `receivers: {mem: , 1x: , a-b: }\n${EXPORTERS}\n${SERVICE}`,
    'receivers::1x: invalid type "1x": must match ^[a-zA-Z][0-9a-zA-Z_]{0,62}$',
    'receivers::a-b: invalid type "a-b": must match ^[a-zA-Z][0-9a-zA-Z_]{0,62}$',
  ],
  [
    "an invalid name",
    `receivers: {mem: , mem/: , 'mem/a b': }\n${EXPORTERS}\n${SERVICE}`,
    "receivers::mem/: the name after the slash is missing",
    "receivers::mem/a b: the name after the slash has characters that are not allowed",
  ],
  [
    "a component's own mistakes",
    `receivers: {mem: {fial: start, tag: x}}\n${EXPORTERS}\n${SERVICE}`,
    "receivers::mem::tag: must be a number, not a string",
    'receivers::mem::fial: unknown key; did you mean "fail"?',
  ],
  [
    "a component that is no map",
    `receivers: {mem: 5}\n${EXPORTERS}\n${SERVICE}`,
    "receivers::mem: must be a map, not the number 5",
  ],
  [
    "a connector's own mistakes, and unknown types",
    `${GOOD}connectors: {mem: {fial: start}, men: , a-b: }\n${SERVICE}`,
    'connectors::mem::fial: unknown key; did you mean "fail"?',
    'connectors::men: unknown connector type "men"; did you mean "mem"? known types: mem, other',
    'connectors::a-b: invalid type "a-b": must match ^[a-zA-Z][0-9a-zA-Z_]{0,62}$',
    'connectors::mem: ambiguous ID: Found both "mem" exporter and "mem" connector. Change one of the components\' IDs to eliminate ambiguity (e.g. rename "mem" connector to "mem/connector")',
  ],
  [
    "a connector with a receiver's id",
    `receivers: {mem: , mem/x: }\n${EXPORTERS}\nconnectors: {mem/x: }\nservice: {pipelines: {traces: {receivers: [mem], exporters: [mem/x]}, traces/2: {receivers: [mem/x], exporters: [mem]}}}`,
    'connectors::mem/x: ambiguous ID: Found both "mem/x" receiver and "mem/x" connector. Change one of the components\' IDs to eliminate ambiguity (e.g. rename "mem/x" connector to "mem/x/connector")',
  ],
  [
    "a connector among the processors",
    `${GOOD}connectors: {mem/c: }\nservice: {pipelines: {traces: {receivers: [mem], processors: [mem/c], exporters: [mem]}}}`,
    'service::pipelines::traces: references processor "mem/c" which is not configured',
  ],
  [
    "connectors that only end or only begin pipelines",
    `${GOOD}connectors: {mem/a: , mem/b: }\nservice: {pipelines: {traces: {receivers: [mem], exporters: [mem/a]}, logs: {receivers: [mem/b], exporters: [mem]}}}`,
    'service::pipelines: connector "mem/a" used as exporter in traces pipeline but not used in any supported receiver pipeline',
    'service::pipelines: connector "mem/b" used as receiver in logs pipeline but not used in any supported exporter pipeline',
  ],
  [
    "a connector between signals that it does not connect",
    `${GOOD}connectors: {mem/a: }\nservice: {pipelines: {logs: {receivers: [mem], exporters: [mem/a]}, traces: {receivers: [mem/a], exporters: [mem]}}}`,
    'service::pipelines: connector "mem/a" used as exporter in logs pipeline but not used in any supported receiver pipeline',
    'service::pipelines: connector "mem/a" used as receiver in traces pipeline but not used in any supported exporter pipeline',
  ],
  [
    "a pipeline that leads into itself",
    `${GOOD}connectors: {mem/a: }\nservice: {pipelines: {traces: {receivers: [mem, mem/a], exporters: [mem, mem/a]}}}`,
    'service::pipelines: cycle detected: connector "mem/a" (traces to traces) -> connector "mem/a" (traces to traces)',
  ],
  [
    "pipelines that lead in a circle, after some that do not",
    `${GOOD}processors: {mem/p: , mem/q: }\nconnectors: {mem/in: , mem/a: , mem/b: }
service:
  pipelines:
    traces/in: {receivers: [mem], exporters: [mem/in]}
    traces/out: {receivers: [mem/in], exporters: [mem]}
    traces: {receivers: [mem/in, mem/b], processors: [mem/p, mem/q], exporters: [mem/a]}
    logs: {receivers: [mem/a], exporters: [mem]}
    traces/2: {receivers: [mem/a], exporters: [mem, mem/b]}
`,
    'service::pipelines: cycle detected: connector "mem/a" (traces to traces) -> connector "mem/b" (traces to traces) -> processor "mem/p" in pipeline "traces" -> processor "mem/q" in pipeline "traces" -> connector "mem/a" (traces to traces)',
  ],
  [
    "extensions",
    `${GOOD}extensions: {men: , mem/x: {fial: start}}\nservice: {extensions: [men, mem/x, other, other], pipelines: {traces: ${PIPELINE}}}`,
    'extensions::men: unknown extension type "men"; did you mean "mem"? known types: mem',
    'extensions::mem/x::fial: unknown key; did you mean "fail"?',
    'service::extensions: references extension "other" which is not configured',
  ],
  [
    "an unknown extension, and a mistake elsewhere in the service",
    `${GOOD}service: {extensions: [mem], telemetry: {lgos: }, pipelines: {traces: ${PIPELINE}}}`,
    'service::telemetry::lgos: unknown key; did you mean "logs"?',
    'service::extensions: references extension "mem" which is not configured',
  ],
  [
    "an unknown signal",
    `${GOOD}service: {pipelines: {trace: ${PIPELINE}, profiles: ${PIPELINE}}}`,
    'service::pipelines::trace: unknown signal "trace"; did you mean "traces"?',
    'service::pipelines::profiles: unknown signal "profiles"; known: traces, metrics, logs',
  ],
  [
    "a pipeline without a name after the slash",
    `${GOOD}service: {pipelines: {traces/: ${PIPELINE}}}`,
    "service::pipelines::traces/: the name after the slash is missing",
  ],
  [
    "an empty pipeline",
    `${GOOD}service: {pipelines: {traces: }}`,
    "service::pipelines::traces: must have at least one receiver",
    "service::pipelines::traces: must have at least one exporter",
  ],
  [
    "references to nothing",
    `${GOOD}service: {pipelines: {logs/x: {receivers: [mem/2], processors: [batch], exporters: [debug]}}}`,
    'service::pipelines::logs/x: references receiver "mem/2" which is not configured',
    'service::pipelines::logs/x: references processor "batch" which is not configured',
    'service::pipelines::logs/x: references exporter "debug" which is not configured',
  ],
  [
    "a processor twice",
    `${GOOD}processors: {mem: }\nservice: {pipelines: {traces: {receivers: [mem], processors: [mem, mem], exporters: [mem]}}}`,
    'service::pipelines::traces: references processor "mem" multiple times',
  ],
  [
    "a signal that a component does not have",
    `${RECEIVERS}\nexporters: {traces_only: {endpoint: x}}\nservice: {pipelines: {logs: {receivers: [mem], exporters: [traces_only]}}}`,
    'service::pipelines::logs: exporter "traces_only" does not support logs; it supports traces',
  ],
  [
    "an unknown key of a pipeline",
    `${GOOD}service: {pipelines: {traces: {recievers: [mem], exporters: [mem]}}}`,
    'service::pipelines::traces::recievers: unknown key; did you mean "receivers"?',
  ],
  [
    "an unknown key of the service, and the pipelines' mistakes beside it",
    `${GOOD}service: {pipeline: {}, pipelines: {traces: {receivers: [x], exporters: [mem]}}}`,
    'service::pipeline: unknown key; did you mean "pipelines"?',
    'service::pipelines::traces: references receiver "x" which is not configured',
  ],
  [
    "telemetry that is not there yet",
    `${GOOD}service: {telemetry: {logs: {level: loud, encoding: text, output_paths: [a, "http://b"], processors: [{}]}, traces: {level: loud, processors: [{}, {batch: {exporter: {console: {}}}}], sampler: {}, propagators: [b3]}, resource: {a: [b]}}, pipelines: {traces: ${PIPELINE}}}`,
    'service::telemetry::logs::level: must be one of "debug", "info", "warn", "error", "dpanic", "panic", "fatal", not "loud"',
    'service::telemetry::logs::encoding: must be one of "console", "json", not "text"',
    'service::telemetry::logs::output_paths::1: must be "stdout", "stderr", a path, or a file:// URL with an absolute one',
    "service::telemetry::logs::processors::0: must have batch or simple, one of them",
    'service::telemetry::traces::level: must be one of "none", "basic", "normal", "detailed", not "loud"',
    "service::telemetry::traces::processors::0: must have batch or simple, one of them",
    "service::telemetry::traces::processors::1::batch::exporter::otlp: is required",
    "service::telemetry::traces::processors::1::batch::exporter::console: the console exporter is not supported in this version; use otlp",
    "service::telemetry::traces::sampler: must have one of always_on, always_off, trace_id_ratio_based, parent_based",
    "service::telemetry::traces::propagators: taking a trace over from senders is not supported in this version; remove it",
    "service::telemetry::resource::a: must be a string or a number or true or false or empty, not a list",
  ],
  [
    "own metrics",
    `${GOOD}service: {telemetry: {metrics: {level: loud, address: ":8888", views: [{}, {selector: {}}, {selector: {instrument_name: "a*"}, stream: {name: b, aggregation: {sum: {}}}}], readers: [{}, {pull: {exporter: {prometheus: }}}, {pull: {exporter: {prometheus: {host: x, port: 65536, prot: 1}}}}, {periodic: {exporter: {}}}, {periodic: {interval: 1s, exporter: {otlp: {protocol: udp}}}}, {periodic: {exporter: {otlp: {protocol: grpc, endpoint: "http://", headers: {a: b}}}}}, {periodic: {exporter: {otlp: {protocol: grpc, headers: {a b: c}}}}}]}}, pipelines: {traces: ${PIPELINE}}}`,
    'service::telemetry::metrics::level: must be one of "none", "basic", "normal", "detailed", not "loud"',
    "service::telemetry::metrics::readers::0: must have pull or periodic, one of them",
    "service::telemetry::metrics::readers::1::pull::exporter::prometheus::host: is required",
    "service::telemetry::metrics::readers::1::pull::exporter::prometheus::port: is required",
    "service::telemetry::metrics::readers::2::pull::exporter::prometheus::port: must be at most 65535",
    'service::telemetry::metrics::readers::2::pull::exporter::prometheus::prot: unknown key; did you mean "port"?',
    "service::telemetry::metrics::readers::3::periodic::exporter::otlp: is required",
    "service::telemetry::metrics::readers::4::periodic::interval: must be a number of milliseconds, without a unit, as the Collector has it here",
    'service::telemetry::metrics::readers::4::periodic::exporter::otlp::protocol: must be one of "http/protobuf", "grpc", not "udp"',
    'service::telemetry::metrics::readers::5::periodic::exporter::otlp::endpoint: "http://" is not a URL, for example "https://otel:4318"',
    "service::telemetry::metrics::readers::6::periodic::exporter::otlp::headers::a b: invalid key: is not a header's name",
    "service::telemetry::metrics::address: the Collector has it no more; use readers",
    "service::telemetry::metrics::views::0::selector: is required",
    "service::telemetry::metrics::views::1::selector: must say which metrics, for example instrument_name",
    "service::telemetry::metrics::views::2::stream::aggregation::sum: own metrics have the aggregation that they have, or are dropped",
  ],
  [
    "own metrics without a reader",
    `${GOOD}service: {telemetry: {metrics: {readers: []}}, pipelines: {traces: ${PIPELINE}}}`,
    "service::telemetry::metrics::readers: must have at least one reader, or level: none beside it",
  ],
  [
    "views below level detailed",
    `${GOOD}service: {telemetry: {metrics: {views: [{selector: {unit: s}}]}}, pipelines: {traces: ${PIPELINE}}}`,
    "service::telemetry::metrics::views: needs level: detailed",
  ],
  [
    "a view that gives one name to several metrics",
    `${GOOD}service: {telemetry: {metrics: {level: detailed, views: [{selector: {unit: s}, stream: {name: a}}]}}, pipelines: {traces: ${PIPELINE}}}`,
    "service::telemetry::metrics::views::0::stream::name: one name for several metrics: the selector must have an instrument_name without * and ?",
  ],
  [
    "mistakes everywhere are told at once",
    "receivers: {x: }\nexporters: {mem: {mutates: 1}}\nservice: {pipelines: {traces: {receivers: [y], exporters: [mem]}}}",
    'receivers::x: unknown receiver type "x"; known types: mem',
    "exporters::mem::mutates: must be true or false, not the number 1",
    'service::pipelines::traces: references receiver "y" which is not configured',
  ],
];

describe("a configuration that cannot be used", () => {
  for (const [name, yaml, ...issues] of cases) {
    test(name, () => assert.deepEqual(issuesOf(yaml), issues));
  }

  test("one error has one line, several are a list", () => {
    assert.throws(() => resolve(""), { message: "service::pipelines: must have at least one pipeline" });
    assert.throws(() => resolve("a: 1"), /^ConfigError: 2 errors:\n {2}- a: unknown key.*\n {2}- service::pipelines/);
  });
});

test("two factories for one type are a programming error", () => {
  const all = createWorld().factories;
  assert.throws(() => new FactorySet([...all, all[0]!]), /two factories for the receiver type "mem"/);
  assert.throws(() => new FactorySet([{ ...all[0]!, type: "a-b" }]), /receiver type "a-b" does not match/);
});
