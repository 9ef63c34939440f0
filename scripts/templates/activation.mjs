/**
 * Part of a loop over tiles: applies the activation, which tiles leave out, to pixels that are finished and still in cache.
 * Shifted tiles finish whole rows: what a row's last vector spilled into the next row is overwritten before its turn.
 */
export function activation(shifted) {
  return shifted
    ? `      if (r.activation != 0) {
        const rows = left == 0 ? r.height : pixel / rowPixels;
        if (left == 0 || (rows - done) * r.width >= block) {
          activatePlanes(y + 4 * done * r.width, (rows - done) * r.width, r.rows, r.yPlane, r.activation, r.alpha, r.beta);
          done = rows;
        }
      }
`
    : `      if (r.activation != 0 && (left == 0 || pixel - done >= block)) {
        activatePlanes(y + 4 * done, pixel - done, r.rows, r.yPlane, r.activation, r.alpha, r.beta);
        done = pixel;
      }
`;
}
