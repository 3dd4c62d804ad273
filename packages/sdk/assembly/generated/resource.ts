// Generated from resource.proto by `npm run generate`: do not edit.

import { Attributes } from "../data/attributes";
import { Slice, sliceOf } from "../data/slice";
import { getVarint, setVarint } from "../wire/fields";
import { Message } from "../wire/message";
import { EntityRef } from "./common";

@unmanaged
export class Resource extends Message {
  get attributes(): Attributes {
    return sliceOf<Attributes>(this, 1);
  }

  get droppedAttributesCount(): u32 {
    return <u32>getVarint(this, 2);
  }

  set droppedAttributesCount(value: u32) {
    setVarint(this, 2, 0x4, value, true);
  }

  get entityRefs(): Slice<EntityRef> {
    return sliceOf<Slice<EntityRef>>(this, 3);
  }
}
