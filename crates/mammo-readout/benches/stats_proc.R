# The peer of `cargo xtask bench stats` in R's pROC: stats_proc.R TASK FOLDER, on the files that the example
# `bench_stats data FOLDER` leaves there. Prints one line of JSON: seconds, and the standard error of the difference.
suppressPackageStartupMessages(library(pROC))
args <- commandArgs(trailingOnly = TRUE)
floats <- function(part) {
  path <- file.path(args[2], paste0(args[1], "_", part, ".f64"))
  readBin(path, "double", n = file.size(path) / 8, endian = "little")
}
a <- floats("a"); b <- floats("b"); truth <- floats("truth")
started <- proc.time()[["elapsed"]]
first <- roc(truth, a, levels = c(0, 1), direction = "<", quiet = TRUE)
second <- roc(truth, b, levels = c(0, 1), direction = "<", quiet = TRUE)
test <- roc.test(first, second, method = "delong", paired = TRUE)
seconds <- proc.time()[["elapsed"]] - started
se <- unname((as.numeric(first$auc) - as.numeric(second$auc)) / test$statistic)
cat(sprintf('{"seconds": [%.4f], "value": %.17g, "peak_mib": null}\n', seconds, abs(se)))
