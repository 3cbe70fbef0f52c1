/** Whether a value is a vector as the contract has them: a list of numbers that 32-bit floats can hold. */
export function isVector(value: unknown): value is number[] {
  return Array.isArray(value) && value.length > 0 && value.every(isFloat32);
}

function isFloat32(value: unknown): boolean {
  return typeof value === "number" && Math.abs(value) <= maxFloat32;
}

const maxFloat32 = 3.402_823_466_385_288_6e38;
