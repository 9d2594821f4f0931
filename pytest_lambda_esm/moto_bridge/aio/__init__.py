"""Clients of aiobotocore, and those made of them: aioboto3's, s3fs's."""
