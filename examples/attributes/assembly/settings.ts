// The plugin's configuration: the keys of the Collector's attributes processor.
import { JsonParser, JsonType, Json } from "@otelwasm/sdk/config/json";
import { getPluginConfig } from "@otelwasm/sdk/host";
import { Action } from "./action";
import { prepareEntries } from "./entries";
import { Matcher } from "./matching";
import { at, checkKeys, child, fail, readList } from "./reader";
import { Selection } from "./selection";

export class Settings {
  actions: Action[] = [];
  selection: Selection = new Selection(null, null);

  /** Reads the configuration; `configProblem` says what is wrong with it. */
  constructor() {
    let json = readConfig();
    if (!checkKeys(json, "", ["actions", "include", "exclude"])) json = new Json(JsonType.Object);
    const actions = readList(json, "", "actions");
    if (actions.length == 0) fail("actions", "at least one action is required");
    let everyKey = false;
    for (let i = 0; i < actions.length; ++i) {
      const action = new Action(actions[i], at("actions", i));
      this.actions.push(action);
      if (action.everyKey) everyKey = true;
    }
    const include = child(json, "include");
    const exclude = child(json, "exclude");
    this.selection = new Selection(
      include === null ? null : new Matcher(include, "include"),
      exclude === null ? null : new Matcher(exclude, "exclude"),
    );
    prepareEntries(everyKey);
  }
}

function readConfig(): Json {
  let buffer = new ArrayBuffer(4096);
  let size = getPluginConfig(changetype<usize>(buffer), buffer.byteLength);
  while (size > <usize>buffer.byteLength) {
    buffer = new ArrayBuffer(<i32>size);
    size = getPluginConfig(changetype<usize>(buffer), buffer.byteLength);
  }
  const parser = new JsonParser(changetype<usize>(buffer), changetype<usize>(buffer) + size);
  const json = parser.parse();
  if (parser.error == "") return json;
  fail("", "the configuration is not JSON: " + parser.error);
  return new Json(JsonType.Object);
}
