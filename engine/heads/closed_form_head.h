// Linear heads in closed form: no learning rate, no steps, no order of the samples.
#ifndef AUGSTORE_ENGINE_HEADS_CLOSED_FORM_HEAD_H_
#define AUGSTORE_ENGINE_HEADS_CLOSED_FORM_HEAD_H_

#include <span>
#include <string_view>
#include <vector>

#include "engine/heads/head_statistics.h"
#include "schemas/weights/layers.h"

namespace augstore {

// With n rows of mean m, n_c of class c with mean m_c, Σ their covariance, Σ_w that within the
// classes, and r = λ tr(Σ) / dim:
enum class HeadKind {
  // Least squares on one-hot targets with an unpenalised intercept:
  // w_c = (Σ + r I)⁻¹ n_c (m_c - m) / n.
  kRidge,
  // Linear discriminant analysis with a shrunk covariance (J. H. Friedman, "Regularized
  // discriminant analysis", JASA 84, 1989): w_c = (Σ_w + r I)⁻¹ (m_c - m), and the log of the
  // class's share in the bias.
  kLda,
  // The class with the nearest mean: w_c = m_c - m.
  kMeans,
};
// "ridge", "lda", "means". Errors of Parse: kInvalidArgument.
Result<HeadKind> ParseHeadKind(std::string_view text);
std::string_view HeadKindName(HeadKind kind);

struct ClosedFormHead {
  HeadKind kind = HeadKind::kRidge;
  Layers layers;      // one layer, dim to classes, whose output is logits
  double lambda = 0;  // chosen; 0 for kMeans
  double scale = 1;   // of the scores to make them logits
  double held_out_loss =
      0;  // cross-entropy of the kept rows, by a head that was not fitted to them
};

// One head of each kind. λ (1e-5 to 1e2 by decades, then by half decades around the best) is the
// one with the least cross-entropy on the kept held-out rows; the head is then fitted to all rows.
// λ is in units of the mean eigenvalue of Σ, so that one grid serves every scale and number of
// rows.
//
// Scores are no logits: ridge's scores are near 0 and 1, and LDA is overconfident in many
// dimensions. One scale for all classes, the inverse of a temperature, is fitted on the kept rows,
// with targets smoothed as by J. Platt ("Probabilistic outputs for support vector machines", 1999),
// so that it is finite also when every kept row is right.
//
// A class without rows gets the logit -1000: it is never predicted. Errors: kFailedPrecondition (no
// labelled rows, or all of one class, or none held out, or all of them), kInvalidArgument (rows
// that are not finite or do not differ from each other). REQUIRES: statistics.Finish() was called.
Result<std::vector<ClosedFormHead>> FitHeads(const HeadStatistics& statistics,
                                             std::span<const HeadKind> kinds);

}  // namespace augstore

#endif  // AUGSTORE_ENGINE_HEADS_CLOSED_FORM_HEAD_H_
