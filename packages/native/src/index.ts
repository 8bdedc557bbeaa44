export {
  ANY_STREAM,
  EVENT_HEAD,
  KERNEL_CODEC,
  KERNEL_EVENT,
  type KernelBinding,
  type KernelHandle,
  NO_ID,
  NO_RTX,
} from "./kernel-binding.ts";
export { loadKernel } from "./load-kernel.ts";
