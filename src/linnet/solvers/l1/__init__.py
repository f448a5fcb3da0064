"""Problems with an l1 penalty: coordinate descent and proximal Newton."""
