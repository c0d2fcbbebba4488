"""SAML 2.0 face: the service provider."""

import warnings

from cryptography.utils import CryptographyDeprecationWarning

# pysaml2 names ciphers that cryptography is moving; neither of us uses them.
warnings.filterwarnings("ignore", category=CryptographyDeprecationWarning, module="saml2")
