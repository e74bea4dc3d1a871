// The plane in which vectors vary most: their first two principal components (K. Pearson, "On lines
// and planes of closest fit to systems of points in space", Philosophical Magazine 2, 1901), found
// by block power iteration (H. Rutishauser, "Simultaneous iteration method for symmetric matrices",
// Numer. Math. 16, 1970), as dim x dim covariances would cost more than a picture is worth.
#ifndef AUGSTORE_ENGINE_MATH_PRINCIPAL_PLANE_H_
#define AUGSTORE_ENGINE_MATH_PRINCIPAL_PLANE_H_

#include <array>
#include <vector>

#include "schemas/base/cancellation.h"
#include "schemas/base/types.h"

namespace augstore {

struct PrincipalPlane {
  std::vector<float> mean;                 // dim
  std::array<std::vector<float>, 2> axes;  // dim each, of length 1; the largest value is positive
  std::array<double, 2> explained{};       // share of the variance along each axis
};

// Of the rows, which are finite; of rows without variance, axes of zeros. The same rows have the
// same plane. Time: about 30 products of rows x dim with dim x 6. Errors: those of `cancellation`.
// REQUIRES: at least one row.
Result<PrincipalPlane> FindPrincipalPlane(ConstMatrixView rows,
                                          const Cancellation& cancellation = {});

// Coordinates in the plane, one pair for each row. REQUIRES: as many columns as the plane's.
std::vector<std::array<float, 2>> ProjectOnto(const PrincipalPlane& plane, ConstMatrixView rows);

}  // namespace augstore

#endif  // AUGSTORE_ENGINE_MATH_PRINCIPAL_PLANE_H_
