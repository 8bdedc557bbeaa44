import type { IceGeneration } from "./ice-generation.ts";
import type { IcePath } from "./ice-types.ts";
import {
  encodeErrorCode,
  encodeStun,
  encodeXorMappedAddress,
  STUN_ATTRIBUTE,
  STUN_TYPE,
  type StunMessage,
} from "./stun-message.ts";

/** Answers an authentic check with the address it came from. RFC 8445 section 7.3. */
export function replySuccess(check: StunMessage, path: IcePath, { local }: IceGeneration): void {
  const { transactionId } = check;
  const mapped = encodeXorMappedAddress(path.address, path.port, transactionId);
  path.send(encodeStun(STUN_TYPE.success, transactionId, [[STUN_ATTRIBUTE.xorMappedAddress, mapped]], local.password));
}

/** Both sides think they are controlled: the other one has to switch. RFC 8445 section 7.3.1.1. */
export function replyRoleConflict(check: StunMessage, path: IcePath, { local }: IceGeneration): void {
  const error = encodeErrorCode(487, "Role Conflict");
  path.send(encodeStun(STUN_TYPE.error, check.transactionId, [[STUN_ATTRIBUTE.errorCode, error]], local.password));
}
