/**
 * An empty array for numbers with fractions. One that began empty would be kept as whole numbers until the first fraction
 * came, and code that meets both kinds is slower for every packet of every receiver.
 */
export function fractions(): number[] {
  const numbers = [0.5];
  numbers.pop();
  return numbers;
}
