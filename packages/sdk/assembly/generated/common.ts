// Generated from common.proto by `npm run generate`: do not edit.

import { Attributes } from "../data/attributes";
import { Utf8, newUtf8 } from "../data/bytes";
import { TextList } from "../data/lists";
import { Slice, sliceOf } from "../data/slice";
import { encodeText, textEnd } from "../data/text";
import { copyMessage } from "../wire/copy";
import { getLength, getVarint, setLength, setVarint, valueEnd } from "../wire/fields";
import { Message, moveMessage, removeMessage } from "../wire/message";

@unmanaged
export class InstrumentationScope extends Message {
  get name(): string {
    return this.nameUtf8.toString();
  }

  set name(value: string) {
    const start = encodeText(value);
    setLength(this, 1, 0x2, start, textEnd - start, true);
  }

  get nameUtf8(): Utf8 {
    const start = getLength(this, 1);
    return newUtf8(start, valueEnd);
  }

  set nameUtf8(value: Utf8) {
    setLength(this, 1, 0x2, value.start, value.end - value.start, true);
  }

  get version(): string {
    return this.versionUtf8.toString();
  }

  set version(value: string) {
    const start = encodeText(value);
    setLength(this, 2, 0x4, start, textEnd - start, true);
  }

  get versionUtf8(): Utf8 {
    const start = getLength(this, 2);
    return newUtf8(start, valueEnd);
  }

  set versionUtf8(value: Utf8) {
    setLength(this, 2, 0x4, value.start, value.end - value.start, true);
  }

  get attributes(): Attributes {
    return sliceOf<Attributes>(this, 3);
  }

  get droppedAttributesCount(): u32 {
    return <u32>getVarint(this, 4);
  }

  set droppedAttributesCount(value: u32) {
    setVarint(this, 4, 0x10, value, true);
  }
}

@unmanaged
export class EntityRef extends Message {
  get schemaUrl(): string {
    return this.schemaUrlUtf8.toString();
  }

  set schemaUrl(value: string) {
    const start = encodeText(value);
    setLength(this, 1, 0x2, start, textEnd - start, true);
  }

  get schemaUrlUtf8(): Utf8 {
    const start = getLength(this, 1);
    return newUtf8(start, valueEnd);
  }

  set schemaUrlUtf8(value: Utf8) {
    setLength(this, 1, 0x2, value.start, value.end - value.start, true);
  }

  get type(): string {
    return this.typeUtf8.toString();
  }

  set type(value: string) {
    const start = encodeText(value);
    setLength(this, 2, 0x4, start, textEnd - start, true);
  }

  get typeUtf8(): Utf8 {
    const start = getLength(this, 2);
    return newUtf8(start, valueEnd);
  }

  set typeUtf8(value: Utf8) {
    setLength(this, 2, 0x4, value.start, value.end - value.start, true);
  }

  get idKeys(): TextList {
    return new TextList(this, 3);
  }

  get descriptionKeys(): TextList {
    return new TextList(this, 4);
  }

  /** Takes it out of the batch. */
  remove(): void {
    removeMessage(this);
  }

  /** Moves it to the end of another slice. */
  moveTo(to: Slice<EntityRef>): void {
    moveMessage(this, to.owner, to.field);
  }

  /** Adds a copy to the end of a slice. */
  copyTo(to: Slice<EntityRef>): EntityRef {
    return changetype<EntityRef>(copyMessage(this, to.owner, to.field));
  }
}
